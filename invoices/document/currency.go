package document

import "strings"

// The active currencies of ISO 4217 (list one), by the number of their minor
// digits.
const (
	noMinorDigits   = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
	oneOrTwo        = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ANG CUC HRK SLL ZWL"
	threeMinorDigit = "BHD IQD JOD KWD LYD OMR TND"
	fourMinorDigits = "CLF UYW"
)

// MinorDigits returns how many digits the minor unit of a currency has, by its
// code of ISO 4217; false if there is no such currency.
func MinorDigits(code string) (int32, bool) {
	if len(code) != 3 || strings.Contains(code, " ") {
		return 0, false
	}
	for digits, codes := range map[int32]string{0: noMinorDigits, 2: oneOrTwo, 3: threeMinorDigit, 4: fourMinorDigits} {
		if strings.Contains(codes, code) {
			return digits, true
		}
	}
	return 0, false
}
